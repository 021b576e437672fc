package prioritycut

import (
	"flag"
	"os"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// TestMain lets TensorFlow keep and reuse memory while benchmarks run: the C
// library gives large outputs back to the system after each call, and then
// half of the time goes into page faults.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" {
		os.Setenv("TF_CPU_ALLOCATOR_USE_BFC", "true")
	}
	os.Exit(m.Run())
}

var dtypeNames = map[tensorflow.DataType]string{tensorflow.Float: "float", tensorflow.Double: "double"}
