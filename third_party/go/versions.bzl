"""Reads the versions of Go modules from go.mod and go.sum.

The two files that plain Go uses are the one place where versions and hashes
stand; go_versions makes a .bzl file of them. Only a module whose own line
changed is fetched again.
"""

def _required(text):
    """path -> version, as a go.mod file requires them."""
    required = {}
    block = False
    for line in text.splitlines():
        words = [w for w in line.partition("//")[0].replace("\t", " ").split(" ") if w]
        if words == ["require", "("]:
            block = True
        elif words == [")"]:
            block = False
        elif words and words[0] == "require":
            required[words[1]] = words[2]
        elif block and words:
            required[words[0]] = words[1]
    return required

def _sums(text):
    """path -> {version: sum}, as in a go.sum file, without those of go.mod files."""
    sums = {}
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) != 3 or words[1].endswith("/go.mod"):
            continue
        path, version, sum = words
        if path not in sums:
            sums[path] = {}
        sums[path][version] = sum
    return sums

def repository_name(path):
    """The name that Gazelle gives to the repository of a module."""
    parts = path.lower().split("/")
    host = parts[0].split(".")
    return "_".join(host[::-1] + parts[1:]).replace("-", "_").replace(".", "_").replace("~", "_")

def _pick(path, versions, required):
    if path in required:
        version = required[path]
        if version not in versions:
            fail("go.sum has no sum of %s %s: run `go mod tidy`" % (path, version))
        return version
    if len(versions) > 1:
        fail("go.sum has several versions of %s: name one in go.mod (// indirect)" % path)
    return versions.keys()[0]

def _go_versions_impl(ctx):
    required = _required(ctx.read(ctx.attr.go_mod))
    sums = _sums(ctx.read(ctx.attr.go_sum))
    for path in required:
        if path not in sums:
            fail("go.sum has no sum of %s: run `go mod tidy`" % path)

    modules = {
        path: {"version": _pick(path, sums[path], required)}
        for path in sorted(sums)
    }
    for path, module in modules.items():
        module["sum"] = sums[path][module["version"]]
    tools = {
        path: {"version": versions.keys()[0], "sum": versions.values()[0]}
        for path, versions in _sums(ctx.read(ctx.attr.tools_sum)).items()
    }
    ctx.file("BUILD.bazel", 'exports_files(["gazelle.cfg"])\n')
    ctx.file("versions.bzl", "GO_MODULES = %r\n\nGO_REQUIRED = %r\n\nGO_TOOLS = %r\n" % (modules, sorted(required), tools))
    ctx.file("gazelle.cfg", gazelle_config(modules))

def gazelle_config(paths):
    """What tells Gazelle which repository holds which module.

    Without it Gazelle drops external dependencies and says nothing.
    """
    return "".join([
        "# gazelle:repository go_repository name=%s importpath=%s\n" % (repository_name(path), path)
        for path in paths
    ])

go_versions = repository_rule(
    doc = "versions.bzl (GO_MODULES, GO_TOOLS: path -> version and sum; GO_REQUIRED: the paths in go.mod) and gazelle.cfg.",
    implementation = _go_versions_impl,
    attrs = {
        "go_mod": attr.label(mandatory = True, allow_single_file = True),
        "go_sum": attr.label(mandatory = True, allow_single_file = True),
        "tools_sum": attr.label(mandatory = True, allow_single_file = True),
    },
)
