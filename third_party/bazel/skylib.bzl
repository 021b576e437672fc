"""bazel-skylib (rules_go loads it) from the distribution's package."""

_PACKAGED = "/usr/share/bazel/tools/skylib"

def _skylib_repository_impl(ctx):
    root = ctx.os.environ.get("PRIORITYCUT_BAZEL_SKYLIB") or _PACKAGED
    if not ctx.path(root + "/lib/paths.bzl").exists:
        fail("no bazel-skylib in %s: on Debian and Ubuntu `apt-get install bazel-skylib` puts it there (any Bazel may use it); elsewhere set PRIORITYCUT_BAZEL_SKYLIB to an unpacked bazel-skylib, 1.0.3 or later" % root)
    for entry in ctx.path(root).readdir():
        if entry.basename not in ("WORKSPACE", "MODULE.bazel"):
            ctx.symlink(entry, entry.basename)

skylib_repository = repository_rule(
    implementation = _skylib_repository_impl,
    environ = ["PRIORITYCUT_BAZEL_SKYLIB"],
)
