"""Compiles device code to PTX, for C++ to hold as text.

    device_code.py [--compiler=DIRECTORY] --out=FILE.cc SOURCE.cu    run at the root of the tree

FILE.cc defines the PTX as `extern const char prioritycut_ptx_NAME[]`, NAME being that of the
source without its ending. The compiler is NVRTC of the pinned wheel, whose directory is given
or which is fetched (wheels.py). It needs no GPU, driver or toolkit. Python drives it, since it
is a library.
"""

import argparse
import ctypes
import pathlib
import sys

import wheels

# PTX for this one runs on it and everything newer: the driver translates it.
OLDEST = "compute_70"
OPTIONS = [
    "--gpu-architecture=" + OLDEST,
    "--std=c++17",
    # The bits of a product and a sum are the CPU's: no fused multiply-add,
    # exact division and roots, denormals.
    "--fmad=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "--ftz=false",
    "--include-path=.",
]


class CompileError(Exception):
    pass


class Compiler:
    """NVRTC of a directory."""

    def __init__(self, directory):
        library = pathlib.Path(directory) / "nvidia/cuda_nvrtc/lib"
        # NVRTC asks for its builtins by name: loaded before, they are found.
        for builtins in library.glob("libnvrtc-builtins.so.*"):
            ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
        self.nvrtc = ctypes.CDLL(str(library / "libnvrtc.so.12"))
        self.nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p

    def check(self, status, what):
        if status:
            raise CompileError("%s: %s" % (what, self.nvrtc.nvrtcGetErrorString(status).decode()))

    def text(self, program, size, get):
        length = ctypes.c_size_t()
        self.check(getattr(self.nvrtc, size)(program, ctypes.byref(length)), size)
        buffer = ctypes.create_string_buffer(length.value)
        self.check(getattr(self.nvrtc, get)(program, buffer), get)
        return buffer.value.decode()

    def ptx(self, source):
        """The PTX of a source file."""
        program = ctypes.c_void_p()
        text = pathlib.Path(source).read_bytes()
        status = self.nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, str(source).encode(), 0, None, None)
        self.check(status, "nvrtcCreateProgram")
        try:
            options = (ctypes.c_char_p * len(OPTIONS))(*[o.encode() for o in OPTIONS])
            failed = self.nvrtc.nvrtcCompileProgram(program, len(OPTIONS), options)
            log = self.text(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")
            if failed:
                raise CompileError("%s does not compile:\n%s" % (source, log))
            if log:
                print(log, file=sys.stderr)
            return self.text(program, "nvrtcGetPTXSize", "nvrtcGetPTX")
        finally:
            self.nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def as_cc(name, source, ptx):
    """A C++ file that holds PTX; each line is a literal of its own."""
    lines = "\n".join('    "%s\\n"' % line.replace("\\", "\\\\").replace('"', '\\"') for line in ptx.splitlines())
    return "// PTX of %s.\n\nextern const char prioritycut_ptx_%s[];\nconst char prioritycut_ptx_%s[] =\n%s;\n" % (source, name, name, lines)


def pinned_compiler():
    requirements = pathlib.Path(__file__).resolve().parent / "compiler.txt"
    name = "nvidia-cuda-nvrtc-cu12"
    return Compiler(wheels.fetch(name, *wheels.pins(requirements)[name]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler")
    parser.add_argument("--out", required=True)
    parser.add_argument("source")
    options = parser.parse_args()
    try:
        compiler = Compiler(options.compiler) if options.compiler else pinned_compiler()
        text = as_cc(pathlib.Path(options.source).stem, options.source, compiler.ptx(options.source))
    except CompileError as e:
        sys.exit(str(e))
    pathlib.Path(options.out).write_text(text)


if __name__ == "__main__":
    main()
