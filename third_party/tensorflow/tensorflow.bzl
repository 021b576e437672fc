"""A repository of TensorFlow's shared libraries and headers: see locate.py."""

_ENVIRON = [
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PRIORITYCUT_CUDA",
    "PYTHON_BIN_PATH",
    "TENSORFLOW_ROOT",
    "XDG_CACHE_HOME",
]

_BUILD = """
package(default_visibility = ["//visibility:public"])

# {how}: TensorFlow {version}

cc_library(
    name = "c_headers",
    hdrs = glob(
        [
            "include/tensorflow/c/**/*.h",
            "include/tensorflow/core/common_runtime/next_pluggable_device/c/*.h",
            "include/tensorflow/core/platform/*.h",
            "include/tsl/platform/*.h",
            "include/xla/tsl/c/*.h",
        ],
        allow_empty = True,
    ),
    includes = ["include"],
)

# All headers, C++ ones too (absent from a libtensorflow C archive).
cc_library(
    name = "headers",
    hdrs = glob(
        ["include/**"],
        exclude = ["include/external/llvm-project/**"],
        allow_empty = True,
    ),
    includes = ["include"],
)

{libraries}
# What has to lie beside a binary that is copied elsewhere.
filegroup(
    name = "runtime_libs",
    srcs = [
        "lib/{main}",
        "lib/libtensorflow_framework.so.2",
    ],
)

filegroup(
    name = "licences",
    srcs = ["THIRD_PARTY_NOTICES.txt"],
)
"""

# The CPU's.
_LIBRARIES = """
# libtensorflow.so is a second name for {main}: Go bindings
# link with -ltensorflow. All three lie in one directory, so that $ORIGIN in
# the RUNPATH of one finds the others.
cc_library(
    name = "libtensorflow",
    srcs = [
        "lib/libtensorflow.so",
        "lib/{main}",
        "lib/libtensorflow_framework.so.2",
    ],
    # A binary that was copied finds them beside itself or in ../lib. rules_go
    # adds the runfiles directories, relative too.
    linkopts = [
        "-Wl,-rpath,$$ORIGIN",
        "-Wl,-rpath,$$ORIGIN/../lib",
    ],
    deps = [":c_headers"],
)

# What custom op libraries link with.
cc_library(
    name = "framework",
    srcs = ["lib/libtensorflow_framework.so.2"],
    deps = [":c_headers"],
)

# The same with the C++ API (tensorflow::ops, gradients in C++).
cc_library(
    name = "cc",
    srcs = [
        "lib/{main}",
        "lib/libtensorflow_framework.so.2",
    ],
    deps = [":headers"],
)
"""

# The GPU's: loaded from where it is, since it looks for the CUDA libraries from
# there, and Bazel's links lie elsewhere.
_CUDA_LIBRARIES = """
cc_library(
    name = "libtensorflow",
    linkopts = [
        "-L{links}",
        "-l:{main}",
        "-l:libtensorflow_framework.so.2",
        "-Wl,-rpath,{links}",
    ],
    deps = [":c_headers"],
)

cc_library(
    name = "framework",
    linkopts = [
        "-L{links}",
        "-l:libtensorflow_framework.so.2",
        "-Wl,-rpath,{links}",
    ],
    deps = [":c_headers"],
)

cc_library(
    name = "cc",
    linkopts = [
        "-L{links}",
        "-l:{main}",
        "-l:libtensorflow_framework.so.2",
        "-Wl,-rpath,{links}",
    ],
    deps = [":headers"],
)
"""

def _tensorflow_repository_impl(ctx):
    python = ctx.os.environ.get("PYTHON_BIN_PATH") or ctx.which("python3")
    if not python:
        fail("no python3 in PATH: it is needed to find TensorFlow or to fetch its wheel")
    for pins in [ctx.attr._requirements, ctx.attr._requirements_gpu, ctx.attr._toolkit]:
        ctx.path(pins)  # a new pin is a reason to look again
    ctx.report_progress("looking for TensorFlow (its wheel has 230 MB, for GPUs 3 GB)")
    res = ctx.execute([python, ctx.path(ctx.attr._locate)], timeout = 3600, quiet = True)
    if res.return_code:
        fail("TensorFlow: " + res.stdout + res.stderr)
    found = dict([line.split("=", 1) for line in res.stdout.splitlines()])

    main = found["main"].rpartition("/")[2]
    ctx.symlink(found["main"], "lib/" + main)
    ctx.symlink(found["main"], "lib/libtensorflow.so")
    ctx.symlink(found["framework"], "lib/libtensorflow_framework.so.2")
    ctx.symlink(found["include"], "include")
    notices = ctx.path(found["include"]).dirname.get_child("THIRD_PARTY_NOTICES.txt")
    if notices.exists:
        ctx.symlink(notices, "THIRD_PARTY_NOTICES.txt")
    else:
        ctx.file("THIRD_PARTY_NOTICES.txt", "TensorFlow %s came without its THIRD_PARTY_NOTICES.txt: add it before you pass this on.\n" % found["version"], executable = False)
    libraries = _CUDA_LIBRARIES if found["cuda"] == "1" else _LIBRARIES
    ctx.file("BUILD.bazel", _BUILD.format(
        how = found["how"],
        libraries = libraries.format(main = main, links = found["links"]),
        main = main,
        version = found["version"],
    ))

tensorflow_repository = repository_rule(
    implementation = _tensorflow_repository_impl,
    environ = _ENVIRON,
    attrs = {
        "_locate": attr.label(default = "//third_party/tensorflow:locate.py", allow_single_file = True),
        "_requirements": attr.label(default = "//third_party/tensorflow:requirements.txt", allow_single_file = True),
        "_requirements_gpu": attr.label(default = "//third_party/tensorflow:requirements_gpu.txt", allow_single_file = True),
        "_toolkit": attr.label(default = "//third_party/cuda:toolkit.txt", allow_single_file = True),
    },
)
