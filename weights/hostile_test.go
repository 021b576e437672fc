package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/element"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/internal/safetensors"
)

// refused checks that a file is refused for the reason expected, soon and
// without much memory.
func refused(t *testing.T, name string, b []byte, message string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := readAll(b)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), message) {
		t.Errorf("%s: %v, want %q", name, err, message)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("%s: took %v", name, took)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<30 {
		t.Errorf("%s: allocated %d bytes", name, used)
	}
}

// TestNoCodeRuns tries what pickles of attackers do.
func TestNoCodeRuns(t *testing.T) {
	for _, call := range []string{
		global("os", "system") + "(" + short("echo") + "tR",
		global("posix", "system") + "(" + short("echo") + "tR",
		global("builtins", "eval") + "(" + short("1") + "tR",
		global("builtins", "getattr") + "(" + short("1") + "tR",
		global("torch", "load") + "(" + short("x") + "tR",
		global("torch.serialization", "load") + "(" + short("x") + "tR",
		global("torch._utils", "_rebuild_qtensor") + ")R",
		global("collections.OrderedDict", "__init__") + ")R",
		global("torch.nn.modules.linear", "Linear") + ")\x81",
		"\x8c\x02os\x8c\x06system\x93",
	} {
		refused(t, fmt.Sprintf("%q", call), legacyFile(call), "not on the list")
	}
	refused(t, "a module", legacyFile("("+short("module")+"NNNtQ"), "save state dicts")
	refused(t, "a call of no function", legacyFile("K\x01)R"), "called")
	refused(t, "a call of a class", legacyFile(global("builtins", "dict")+")R"), "called")
	for _, op := range []string{"i", "o", "P", "I01\n", "\x92", "\x82\x01", "\x91", "\x97", "\xff", "S'x'\n"} {
		refused(t, fmt.Sprintf("instruction %q", op), legacyFile("K\x01"+op), "not one that checkpoints use")
	}
}

func TestForgedPickles(t *testing.T) {
	tensor := func(storage, offset, size, stride string) string {
		return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + offset + size + stride + "\x89NtR"
	}
	whole := storageRef("N")
	long := "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x10" // 2^60
	for name, c := range map[string]struct{ tree, message string }{
		"empty":               {"", "stack is empty"},
		"pop of nothing":      {"0", "stack is empty"},
		"pop below a mark":    {"K\x01(0a", "stack is empty"},
		"no mark":             {"t", "no mark"},
		"unknown memo":        {"h\x05", "recalled"},
		"odd dictionary":      {"}(K\x01u", "without a value"},
		"key of a kind":       {"}]K\x01s", "key of kind list"},
		"append to a number":  {"K\x01K\x02a", "appended"},
		"set in a list":       {"]K\x01K\x02s", "entries are set"},
		"state of a list":     {"]}b", "gets the state"},
		"long integer":        {"\x8b\xff\xff\xff\x7f", "integer of"},
		"long text":           {"X\xff\xff\xff\x7f", "EOF"},
		"endless text":        {"\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "EOF"},
		"endless name":        {"c" + strings.Repeat("a", 300), "more than 256"},
		"protocol":            {"\x80\x07", "protocol 7"},
		"no tuple":            {"K\x01Q", "no storage"},
		"storage of a class":  {"(" + short("storage") + global("builtins", "dict") + short("0") + short("cpu") + "K\x04NtQ", "class"},
		"huge storage":        {"(" + short("storage") + global("torch", "FloatStorage") + short("1") + short("cpu") + long + "NtQ", "more than the file can hold"},
		"negative storage":    {"(" + short("storage") + global("torch", "FloatStorage") + short("1") + short("cpu") + "J\xff\xff\xff\xffNtQ", "more than the file can hold"},
		"view of storage":     {storageRef("(" + short("9") + "K\x03K\x02t"), "beyond"},
		"view's offset":       {storageRef("(" + short("9") + long + long + "t"), "beyond"},
		"two sizes":           {"]" + whole + "a" + strings.Replace(whole, "K\x04", "K\x03", 1) + "a", "two types or sizes"},
		"two types":           {"]" + whole + "a" + strings.Replace(whole, "Float", "Int", 1) + "a", "two types or sizes"},
		"beyond storage":      {tensor(whole, "K\x00", "(K\x05t", "(K\x01t"), "does not fit"},
		"offset":              {tensor(whole, "K\x02", "(K\x03t", "(K\x01t"), "does not fit"},
		"far offset":          {tensor(whole, long, "(K\x01t", "(K\x01t"), "does not fit"},
		"negative offset":     {tensor(whole, "J\xff\xff\xff\xff", "(K\x01t", "(K\x01t"), "storage offset"},
		"stride":              {tensor(whole, "K\x00", "(K\x02t", "(K\x04t"), "does not fit"},
		"far stride":          {tensor(whole, "K\x00", "(K\x03K\x03t", "("+long+long+"t"), "does not fit"},
		"negative stride":     {tensor(whole, "K\x00", "(K\x02t", "(J\xff\xff\xff\xfft"), "negative"},
		"negative size":       {tensor(whole, "K\x00", "(J\xff\xff\xff\xfft", "(K\x01t"), "negative"},
		"size of a kind":      {tensor(whole, "K\x00", "(Nt", "(K\x01t"), "None"},
		"dimensions":          {tensor(whole, "K\x00", "(K\x01K\x01t", "(K\x01t"), "strides"},
		"expanded":            {tensor(whole, "K\x00", "("+long+"t", "(K\x00t"), "too"},
		"expanded a bit less": {tensor(whole, "K\x00", "(J\x00\x00\x00\x70t", "(K\x00t"), "too far"},
		"negative dimension":  {tensor(whole, "K\x00", "(J\xff\xff\xff\xfft", "(K\x01t"), "dimension 0 of a tensor's size is negative, -1"},
		"huge size":           {tensor(whole, "K\x00", "(\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01t", "(K\x01t"), "dimension 0 of a tensor's size is beyond 64 bits"},
		"text for a size":     {tensor(whole, "K\x00", "(X\x01\x00\x00\x00at", "(K\x01t"), "dimension 0 of a tensor's size is a str, no whole number"},
		"fraction for a size": {tensor(whole, "K\x00", "(G\x3f\xf8\x00\x00\x00\x00\x00\x00t", "(K\x01t"), "dimension 0 of a tensor's size is a float, no whole number"},
		"number for a size":   {tensor(whole, "K\x00", "K\x04", "(K\x01t"), "a tensor's size is an int or has more than 64 dimensions"},
		"many dimensions":     {tensor(whole, "K\x00", "("+strings.Repeat("K\x01", 65)+"t", "(K\x01t"), "more than 64"},
		"no storage":          {tensor("K\x01", "K\x00", ")", ")"), "called with"},
		"metadata":            {global("torch._utils", "_rebuild_tensor_v2") + "(" + whole + "K\x00))\x89N}" + short("neg") + "\x88stR", "metadata"},
		"empty parameter":     {"}" + short("w") + global("torch.nn.parameter", "Parameter") + ")Rs", "no data"},
		"its own state":       {global("torch", "FloatTensor") + ")Rq\x01(h\x01NNNNtb", "gets the state"},
		"lone tensor":         {tensor(whole, "K\x00", ")", ")"), "without a name"},
		"names clash":         {"}" + short("a.b") + tensor(whole, "K\x00", ")", ")") + "s" + short("a") + "}" + short("b") + tensor(whole, "K\x00", ")", ")") + "ss", "two tensors"},
		"contains itself":     {"]q\x01h\x01a", "nested too deeply"},
		"numpy's object":      {global("numpy", "dtype") + "(" + short("O8") + "K\x00K\x01tR", "called with"},
		"numpy's scalar":      {global("numpy.core.multiarray", "scalar") + "(" + global("numpy", "dtype") + "(" + short("f8") + "K\x00K\x01tR" + short("1") + "tR", "called with"},
		"text of no Latin-1":  {global("_codecs", "encode") + "(X\x03\x00\x00\x00\xe2\x82\xac" + short("latin1") + "tR", "Latin-1"},
		"text of a codec":     {global("_codecs", "encode") + "(" + short("x") + short("bz2") + "tR", "called with"},
	} {
		// The tree keeps the storage in use, so that only the forgery is wrong.
		refused(t, name, legacyFile(c.tree), c.message)
	}
}

func TestForgedStorages(t *testing.T) {
	tree := "}" + short("w") + global("torch._utils", "_rebuild_tensor") + "(" + storageRef("N") + "K\x00(K\x04t(K\x01ttRs"
	if err := readAll(legacyFile(tree)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		keys    string
		count   int64
		message string
	}{
		"missing":    {"]", 4, "0 storages"},
		"twice":      {"](" + short("0") + short("0") + "e", 4, "twice"},
		"unknown":    {"](" + short("0") + short("1") + "e", 4, "no tensor uses it"},
		"other size": {"]" + short("0") + "a", 1 << 60, "are claimed"},
		"no list":    {"K\x01", 4, "list of storages is an int"},
	} {
		refused(t, name, legacyFileOf(tree, c.keys, c.count), c.message)
	}
	b := legacyFile(tree)
	refused(t, "cut", b[:len(b)-1], "cut short")
	refused(t, "big-endian", bytes.Replace(b, []byte("little_endian\x88"), []byte("little_endian\x89"), 1), "big-endian")
	refused(t, "other magic", bytes.Replace(b, []byte("\xfc\x9c"), []byte("\xfc\x9d"), 1), "none that torch.save wrote")
	refused(t, "other version", bytes.Replace(b, []byte("M\xe9\x03"), []byte("M\xe9\x04"), 1), "protocol version")
}

// TestGrowth feeds structures that are short to write and endless to read.
func TestGrowth(t *testing.T) {
	lists := "]q\x00" // each list holds the one before ten times
	for i := byte(1); i < 20; i++ {
		lists += "]q" + string(i) + "(" + strings.Repeat("h"+string(i-1), 10) + "e"
	}
	refused(t, "shared lists", legacyFile(lists), "nested too deeply or too large")

	dicts := global("torch._utils", "_rebuild_tensor") + "(" + storageRef("N") + "K\x00))tRq\x00"
	for i := byte(1); i < 20; i++ {
		dicts += "}q" + string(i) + "("
		for k := byte(0); k < 8; k++ {
			dicts += "K" + string(k) + "h" + string(i-1)
		}
		dicts += "u"
	}
	refused(t, "shared dictionaries", legacyFile(dicts), "far more than the file")

	pairs := "](" + strings.Repeat("]K\x01aK\x01a", 1000) + "eq\x00"
	refused(t, "copied dictionaries", legacyFile(pairs+"]("+strings.Repeat(global("collections", "OrderedDict")+"(h\x00tR", 5000)+"e"), "more than any checkpoint")

	text := "X\x00\x00\x10\x00" + strings.Repeat("a", 1<<20) + "q\x00"
	refused(t, "copied text", legacyFile(text+"]("+strings.Repeat(global("_codecs", "encode")+"(h\x00tR", 5000)+"e"), "more than any checkpoint")

	keys := "X\x00\x00\x01\x00" + strings.Repeat("a", 1<<16) + "q\x00"
	refused(t, "long names", legacyFile(keys+"}h\x00}h\x00}ss"), "bytes")

	// Each use of a long name takes time, whatever becomes of its dictionary.
	refused(t, "long keys", legacyFile(keys+"}h\x00Ns0N"), "bytes")
	refused(t, "long classes", legacyFile(keys+"h\x00h\x00\x93"), "bytes")
	refused(t, "long storages", legacyFile(keys+"("+short("storage")+global("torch", "FloatStorage")+"h\x00"+short("cpu")+"K\x04NtQ0N"), "bytes")

	refused(t, "instructions", legacyFile(strings.Repeat("N0", maxCost)), "more than any checkpoint")
	refused(t, "deep", legacyFile(strings.Repeat("]", 1000)+strings.Repeat("a", 999)), "nested too deeply")
	refused(t, "deep tuples", legacyFile(")"+strings.Repeat("\x85", 1<<20)), "nested too deeply")

	// Many expanded tensors, each of them allowed.
	expanded := global("torch._utils", "_rebuild_tensor") + "(" + storageRef("N") + "K\x00(J\x00\x00\xf0\x00t(K\x00ttRq\x00"
	refused(t, "expanded", legacyFile(expanded+"]("+strings.Repeat("h\x00", 1000)+"e"), "far more than the file")
}

// zipFile writes an archive of PyTorch.
func zipFile(t *testing.T, method uint16, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: members[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestForgedArchives(t *testing.T) {
	tree := "\x80\x02}" + short("w") + global("torch._utils", "_rebuild_tensor_v2") +
		"(" + storageRef("") + "K\x00(K\x04t(K\x01t\x89NtRs."
	data := string(make([]byte, 16))
	if err := readAll(zipFile(t, zip.Store, "a/data.pkl", tree, "a/data/0", data)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file    []byte
		message string
	}{
		"no storage":      {zipFile(t, zip.Store, "a/data.pkl", tree), "missing"},
		"storage's size":  {zipFile(t, zip.Store, "a/data.pkl", tree, "a/data/0", data[1:]), "are claimed"},
		"storage's size2": {zipFile(t, zip.Store, "a/data.pkl", tree, "a/data/0", data+"x"), "are claimed"},
		"compressed":      {zipFile(t, zip.Deflate, "a/data.pkl", tree, "a/data/0", data), "compressed"},
		"two folders":     {zipFile(t, zip.Store, "a/data.pkl", tree, "b/data.pkl", tree), "single top folder"},
		"deep folder":     {zipFile(t, zip.Store, "a/b/data.pkl", tree), "single top folder"},
		"member twice":    {zipFile(t, zip.Store, "a/data.pkl", tree, "a/data.pkl", tree), "twice"},
		"big-endian":      {zipFile(t, zip.Store, "a/data.pkl", tree, "a/data/0", data, "a/byteorder", "big"), "byte order"},
		"endless order":   {zipFile(t, zip.Store, "a/data.pkl", tree, "a/byteorder", strings.Repeat("x", 17)), "byteorder"},
		"TorchScript":     {zipFile(t, zip.Store, "a/data.pkl", tree, "a/constants.pkl", ""), "TorchScript"},
		"empty pickle":    {zipFile(t, zip.Store, "a/data.pkl", ""), "EOF"},
		"other archive":   {zipFile(t, zip.Store, "word/document.xml", ""), "neither arrays"},
		"empty archive":   {zipFile(t, zip.Store), "neither arrays"},
	} {
		refused(t, name, c.file, c.message)
	}
	// A flipped bit in a storage that is read as a whole.
	b := zipFile(t, zip.Store, "a/data.pkl", tree, "a/data/0", "0123456789abcdef")
	b[bytes.Index(b, []byte("0123456789"))] ^= 1
	refused(t, "damaged", b, "checksum")
}

func TestOtherFiles(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	lfs := "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
	for name, c := range map[string]struct {
		file    []byte
		message string
	}{
		"empty":        {nil, "it is empty"},
		"text":         {[]byte("hello, world, this is text"), "neither npz"},
		"web page":     {[]byte("\n<!DOCTYPE html><html>"), "web page"},
		"tar":          {tar, "tar archive"},
		"gzip":         {[]byte("\x1f\x8b\x08aaaaaaaaaaaaaaaaa"), "gzip"},
		"git-lfs":      {[]byte(lfs), "git-lfs"},
		"plain pickle": {[]byte("\x80\x04}."), "none that torch.save wrote"},
		"header":       {append(binary.LittleEndian.AppendUint64(nil, 1<<60), '{'), "neither npz"},
	} {
		refused(t, name, c.file, c.message)
	}
	path := filepath.Join(t.TempDir(), "vgg19.pth")
	if err := os.WriteFile(path, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error does not name the file: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

// TestHeadersThatBeginLikeOtherFiles reads safetensors whose headers' lengths
// have the first bytes of a pickle and of an archive.
func TestHeadersThatBeginLikeOtherFiles(t *testing.T) {
	for start, length := range map[string]int{"\x80\x02": 0x0280, "\x80\x04": 0x0480, "PK": 0x4b50} {
		var b bytes.Buffer
		for pad := length - 120; b.Len() < 2 || !strings.HasPrefix(b.String(), start); pad++ {
			if pad > length {
				t.Fatalf("no header of %d bytes was written", length)
			}
			b.Reset()
			tensors := []safetensors.Tensor{{Name: "w", DType: element.F32, Shape: []int64{1}, Data: make([]byte, 4)}}
			if err := safetensors.Write(&b, tensors, map[string]string{"x": strings.Repeat("x", pad)}); err != nil {
				t.Fatal(err)
			}
		}
		s, err := readBytes(b.Bytes())
		if err != nil || s.Format() != SafeTensors || !slices.Equal(s.Names(), []string{"w"}) {
			t.Errorf("a header of %d bytes: %v", length, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for path := range checkpoints {
		f.Add(readFile(f, path))
	}
	tree := "}" + short("w") + global("torch._utils", "_rebuild_tensor") + "(" + storageRef("N") + "K\x00(K\x02K\x02t(K\x01K\x02ttRs"
	f.Add(legacyFile(tree))
	var arrays bytes.Buffer
	if err := npz.Write(&arrays, []npz.Array{npz.FromFloat32s("a.b", []int64{1, 2}, []float32{1, 2})}, true); err != nil {
		f.Fatal(err)
	}
	f.Add(arrays.Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = readAll(b) // must return
	})
}

// FuzzPickle mutates the pickle alone, so that the frame stays whole.
func FuzzPickle(f *testing.F) {
	f.Add([]byte("}" + short("w") + global("torch._utils", "_rebuild_tensor") + "(" + storageRef("N") + "K\x00(K\x02K\x02t(K\x01K\x02ttRs"))
	f.Add([]byte(global("collections", "OrderedDict") + "(](]" + short("w") + "aK\x01aetR"))
	f.Add([]byte(global("torch.nn.parameter", "Parameter") + ")R(" + global("torch", "FloatTensor") + ")R(" + storageRef("N") + "K\x02))tbNN\x88\x89tb"))
	f.Add([]byte("]q\x01h\x01a"))
	f.Add([]byte(global("numpy.core.multiarray", "scalar") + "(" + global("numpy", "dtype") + "(" + short("f8") + "K\x00K\x01tR" + short("12345678") + "tR"))
	f.Fuzz(func(_ *testing.T, tree []byte) {
		_ = readAll(legacyFile(string(tree)))
	})
}
