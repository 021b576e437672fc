"""Shared libraries of TensorFlow ops."""

# tools/ops.sh builds the same library with the same flags for plain Go.
_COPTS = [
    # Last on the command line, so optimised in every compilation mode.
    "-O3",
    # As in //kernels.
    "-falign-functions=64",
    "-falign-loops=64",
    "-DNDEBUG",
    "-D_GLIBCXX_USE_CXX11_ABI=1",
    # The wheel's: Eigen's tensors must be laid out alike on both sides.
    "-DEIGEN_MAX_ALIGN_BYTES=64",
    # TF 2.18's abseil headers forget <cstdint>, which newer gcc minds.
    "-include",
    "cstdint",
]

def tf_op_library(name, srcs, deps = [], **kwargs):
    """A library for TF_LoadLibrary; it finds TensorFlow's libraries beside itself."""
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = _COPTS,
        linkopts = ["-Wl,-rpath,$$ORIGIN"],
        linkshared = True,
        deps = deps + [
            "@org_tensorflow//:cc",
        ],
        **kwargs
    )
