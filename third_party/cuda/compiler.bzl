"""A repository of the compiler of device code: see wheels.py. It is fetched when device code is first built."""

def _cuda_compiler_repository_impl(ctx):
    python = ctx.os.environ.get("PYTHON_BIN_PATH") or ctx.which("python3")
    if not python:
        fail("no python3 in PATH: it is needed to fetch wheels")
    ctx.report_progress("fetching the compiler of device code (23 MB)")
    res = ctx.execute([python, ctx.path(ctx.attr._wheels), ctx.path(ctx.attr._pins), "nvidia-cuda-nvrtc-cu12"], timeout = 3600, quiet = True)
    if res.return_code:
        fail("the compiler of device code: " + res.stdout + res.stderr)
    ctx.symlink(res.stdout.strip().partition("=")[2] + "/nvidia", "nvidia")
    ctx.file("ROOT")
    ctx.file("BUILD.bazel", """
package(default_visibility = ["//visibility:public"])

exports_files(["ROOT"])

filegroup(
    name = "files",
    srcs = glob(["nvidia/cuda_nvrtc/lib/*"]),
)
""")

cuda_compiler_repository = repository_rule(
    implementation = _cuda_compiler_repository_impl,
    environ = [
        "PIP_CERT",
        "PIP_CONFIG_FILE",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PYTHON_BIN_PATH",
        "XDG_CACHE_HOME",
    ],
    attrs = {
        "_pins": attr.label(default = "//third_party/cuda:compiler.txt", allow_single_file = True),
        "_wheels": attr.label(default = "//third_party/cuda:wheels.py", allow_single_file = True),
    },
)
