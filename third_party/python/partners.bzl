"""The test partners' virtual environment: see partner_python."""

def _test_partners_repository_impl(ctx):
    ctx.path(ctx.attr._requirements)  # new pins are a reason to look again
    ctx.report_progress("making the test partners' virtual environment (250 MB)")
    res = ctx.execute([ctx.path(ctx.attr._launcher), "--path"], timeout = 3600, quiet = True)
    if res.return_code:
        fail("test partners: " + res.stdout + res.stderr)

    # A link would not do: python looks for its environment beside the path
    # that it was called by.
    ctx.file("python.txt", res.stdout)
    ctx.file("BUILD.bazel", 'exports_files(["python.txt"])\n')

test_partners_repository = repository_rule(
    implementation = _test_partners_repository_impl,
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
        "_launcher": attr.label(default = "//third_party/python:partner_python", allow_single_file = True),
        "_requirements": attr.label(default = "//third_party/python:partners.txt", allow_single_file = True),
    },
)
