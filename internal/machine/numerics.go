package machine

import (
	"os"
	"sort"
	"strings"

	"golang.org/x/sys/cpu"
)

// numericSettings are variables of the environment that choose TensorFlow's and
// oneDNN's kernels or let a compiler join operations.
var numericSettings = []string{
	"NVIDIA_TF32_OVERRIDE", "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "TF_CPU_ALLOCATOR_USE_BFC", "TF_DETERMINISTIC_OPS",
	"TF_ENABLE_ONEDNN_OPTS", "TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "TF_XLA_FLAGS", "XLA_FLAGS",
}

// Numerics are what changes the last bits of what this process computes, whatever
// its seeds are: settings of its environment, by their names, and under
// "processor" the instructions that kernels are chosen by. What is not set is
// absent.
func Numerics() map[string]string {
	all := map[string]string{"processor": level()}
	for _, name := range numericSettings {
		if v, ok := os.LookupEnv(name); ok {
			all[name] = v
		}
	}
	return all
}

// level names the vector instructions that oneDNN and Eigen look for.
func level() string {
	var has []string
	for _, f := range []struct {
		name string
		is   bool
	}{
		{"avx", cpu.X86.HasAVX}, {"avx2", cpu.X86.HasAVX2}, {"fma", cpu.X86.HasFMA}, {"avx512f", cpu.X86.HasAVX512F},
		{"avx512_vnni", cpu.X86.HasAVX512VNNI}, {"avx512_bf16", cpu.X86.HasAVX512BF16}, {"amx", cpu.X86.HasAMXTile},
		{"neon", cpu.ARM64.HasASIMD}, {"sve", cpu.ARM64.HasSVE},
	} {
		if f.is {
			has = append(has, f.name)
		}
	}
	return strings.Join(has, " ")
}

// NumericsChanged says in words what differs; empty if nothing does.
func NumericsChanged(was, now map[string]string) string {
	names := map[string]bool{}
	for _, all := range []map[string]string{was, now} {
		for name := range all {
			names[name] = true
		}
	}
	var changed []string
	for name := range names {
		if was[name] != now[name] {
			changed = append(changed, name+" was "+orUnset(was[name])+" and is "+orUnset(now[name]))
		}
	}
	sort.Strings(changed)
	return strings.Join(changed, "; ")
}

func orUnset(v string) string {
	if v == "" {
		return "not set"
	}
	return v
}
