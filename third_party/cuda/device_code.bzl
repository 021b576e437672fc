"""Device code as PTX in C++ files: see device_code.py."""

def device_code(name, src, hdrs):
    """name.cc, which defines prioritycut_ptx_SRC; src includes hdrs by their paths in the tree."""
    native.genrule(
        name = name,
        srcs = [src] + hdrs,
        outs = [name + ".cc"],
        cmd = "python3 $(execpath //third_party/cuda:device_code.py) " +
              "--compiler=$$(dirname $(execpath @cuda_compiler//:ROOT)) --out=$@ $(execpath %s)" % src,
        tags = ["manual"],  # a CPU's build does without the compiler
        tools = [
            "//third_party/cuda:device_code.py",
            "//third_party/cuda:wheels.py",
            "@cuda_compiler//:ROOT",
            "@cuda_compiler//:files",
        ],
    )
