"""Repositories made from Go modules with the host's go command.

Everything comes through the Go module proxy that `go env GOPROXY` names, so
this works where the release archives on code hosting sites are out of reach.
The host's go command only downloads modules and builds Gazelle; the Go SDK
that compiles the project is itself a pinned module (golang.org/toolchain).
"""

load(":versions.bzl", "gazelle_config", "repository_name")

_TIMEOUT = 1800

# PATH and HOME are not among them: another terminal is no reason to fetch anew.
_GO_ENVIRON = [
    "GO_BIN",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
]

def _go(ctx):
    go = ctx.os.environ.get("GO_BIN") or ctx.which("go")
    if not go:
        fail("no go command in PATH (nor GO_BIN): Go 1.19 or later is needed to fetch modules; ./bazelw says how to install it")
    return str(go)

def _go_env():
    return {
        "GO111MODULE": "on",
        "GOFLAGS": "-mod=mod -modcacherw",
        "GOROOT": "",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }

def _run(ctx, what, args, env = {}, directory = ""):
    res = ctx.execute(args, environment = env, timeout = _TIMEOUT, quiet = True, working_directory = directory)
    if res.return_code:
        fail("%s: %s\n%s%s" % (ctx.name, what, res.stdout, res.stderr))
    return res.stdout

def _mod_download(ctx):
    """Downloads ctx.attr.importpath@version, checks its sum, returns its directory."""
    ctx.file("fetch/go.mod", "module fetch\n")
    spec = "%s@%s" % (ctx.attr.importpath, ctx.attr.version)
    out = _run(ctx, "go mod download " + spec, [_go(ctx), "mod", "download", "-json", spec], _go_env(), "fetch")
    ctx.delete("fetch")
    info = json.decode(out)
    if info["Sum"] != ctx.attr.sum:
        fail("%s: %s has sum %s, want %s" % (ctx.name, spec, info["Sum"], ctx.attr.sum))
    return info["Dir"]

def _copy(ctx, src):
    _run(ctx, "copy", ["/bin/sh", "-c", 'cp -R "$1"/. . && chmod -R u+w .', "sh", src])

# What an archive of programs has to carry along.
_LICENCES = """
filegroup(
    name = "licences",
    srcs = glob(
        [
            "COPYING*",
            "LICENCE*",
            "LICENSE*",
            "NOTICE*",
            "PATENTS*",
        ],
        allow_empty = True,
    ),
    visibility = ["//visibility:public"],
)
"""

_SOURCE_ATTRS = {
    "importpath": attr.string(mandatory = True),
    "version": attr.string(mandatory = True),
    "sum": attr.string(mandatory = True),
}

def _go_archive_impl(ctx):
    _copy(ctx, _mod_download(ctx))
    for path, edits in ctx.attr.replace_in.items():
        text = ctx.read(path)
        for edit in edits:
            old, _, new = edit.partition(" => ")
            if old not in text:
                fail("%s: no %r in %s" % (ctx.name, old, path))
            text = text.replace(old, new)
        ctx.file(path, text, executable = False)

go_archive = repository_rule(
    doc = "A Go module as it is, with its own BUILD files (rules_go).",
    implementation = _go_archive_impl,
    environ = _GO_ENVIRON,
    attrs = dict(
        _SOURCE_ATTRS,
        replace_in = attr.string_list_dict(
            doc = "path -> ['old => new', ...], edits after the download",
        ),
    ),
)

def _go_sdk_archive_impl(ctx):
    src = _mod_download(ctx)

    # A module archive has no mode bits: what has to be executable gets them.
    _run(ctx, "copy", ["/bin/sh", "-c", 'cp -R "$1"/LICENSE "$1"/PATENTS "$1"/VERSION "$1"/bin "$1"/lib "$1"/pkg "$1"/src . && chmod -R u+w . && chmod -R +x bin pkg/tool', "sh", src])
    ctx.file("ROOT", "")
    ctx.file("BUILD.bazel", 'exports_files(["ROOT", "VERSION"])\n' + _LICENCES)

go_sdk_archive = repository_rule(
    doc = "A Go SDK from the module golang.org/toolchain.",
    implementation = _go_sdk_archive_impl,
    environ = _GO_ENVIRON,
    attrs = _SOURCE_ATTRS,
)

def _gazelle_tool_impl(ctx):
    # Module mode: the module archive lacks gazelle's vendor tree, so
    # @bazel_gazelle's own go_repository_tools (GOPATH mode) can't be built.
    env = dict(_go_env(), GOBIN = str(ctx.path("bin")), GOFLAGS = "-mod=readonly")
    _run(
        ctx,
        "go install gazelle",
        [_go(ctx), "install", "-trimpath", "-ldflags=-s -w", "./cmd/gazelle"],
        env,
        _mod_download(ctx),
    )
    ctx.file("BUILD.bazel", 'exports_files(["bin/gazelle"])\n')

gazelle_tool = repository_rule(
    doc = "The gazelle command (bin/gazelle), built by the host's go.",
    implementation = _gazelle_tool_impl,
    environ = _GO_ENVIRON,
    attrs = _SOURCE_ATTRS,
)

def _module_paths(go_mod):
    """Paths of the modules that the text of a go.mod file names."""
    words = go_mod.replace("\t", " ").replace("\n", " ").split(" ")
    return [words[i - 1] for i in range(1, len(words)) if words[i].startswith("v") and "." in words[i] and "." in words[i - 1]]

def _add_cdeps(ctx, package, deps):
    path = package + "/BUILD.bazel" if package else "BUILD.bazel"
    text = ctx.read(path)
    if text.count("cgo = True,") != 1:
        fail("%s: expected one cgo target in %s:\n%s" % (ctx.name, path, text))
    ctx.file(path, text.replace("cgo = True,", "cgo = True,\n    cdeps = %r," % deps), executable = False)

def _go_module_impl(ctx):
    gazelle = str(ctx.path(ctx.attr._gazelle))
    _copy(ctx, _mod_download(ctx))

    # BUILD files that a module ships are made for another set of rules.
    _run(ctx, "remove BUILD files", ["find", ".", "(", "-name", "BUILD", "-o", "-name", "BUILD.bazel", "-o", "-name", "WORKSPACE*", "-o", "-name", "MODULE.bazel", ")", "-type", "f", "-delete"])
    for path in ctx.attr.remove:
        ctx.delete(path)
    go_mod = ctx.read("go.mod") if ctx.path("go.mod").exists else ""
    ctx.file("gazelle.cfg", gazelle_config(_module_paths(go_mod) + ctx.attr.requires))
    ctx.file("BUILD.bazel", "")
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    _run(ctx, "gazelle", [
        gazelle,
        "-go_repository_mode",
        "-go_repository_module_mode",
        "-go_prefix",
        ctx.attr.importpath,
        "-mode",
        "fix",
        "-repo_root",
        str(ctx.path("")),
        "-repo_config",
        str(ctx.path("gazelle.cfg")),
        "-build_file_name",
        "BUILD.bazel",
        "-external",
        "static",
        "-proto",
        "disable_global",
        "-go_naming_convention",
        "import_alias",
        "-go_naming_convention_external",
        "import_alias",
        str(ctx.path("")),
    ], _go_env())
    for package, deps in ctx.attr.cdeps.items():
        _add_cdeps(ctx, package, deps)
    ctx.file("BUILD.bazel", ctx.read("BUILD.bazel") + _LICENCES, executable = False)

go_module = repository_rule(
    doc = "A Go module with BUILD files written by Gazelle.",
    implementation = _go_module_impl,
    environ = _GO_ENVIRON,
    attrs = dict(
        _SOURCE_ATTRS,
        cdeps = attr.string_list_dict(doc = "package -> labels for cdeps of its cgo library"),
        remove = attr.string_list(doc = "paths to delete before Gazelle runs"),
        requires = attr.string_list(doc = "module paths it imports from but its go.mod does not name"),
        _gazelle = attr.label(default = "@gazelle_tool//:bin/gazelle"),
    ),
)

def go_modules(versions, options = {}):
    """A repository per module, fetched when a build first needs it.

    Args:
      versions: path -> {"version", "sum"}.
      options: path -> further attributes of its go_module.
    """
    for path, version in versions.items():
        go_module(
            name = repository_name(path),
            importpath = path,
            **dict(version, **options.get(path, {}))
        )

def go_tools(versions, rules_go_edits):
    """The rules, the SDK that compiles the project, and Gazelle.

    Args:
      versions: path -> {"version", "sum"}.
      rules_go_edits: replace_in of the rules' go_archive.
    """
    go_archive(
        name = "io_bazel_rules_go",
        importpath = "github.com/bazelbuild/rules_go",
        replace_in = rules_go_edits,
        **versions["github.com/bazelbuild/rules_go"]
    )
    go_sdk_archive(
        name = "go_toolchain_module",
        importpath = "golang.org/toolchain",
        **versions["golang.org/toolchain"]
    )
    gazelle_tool(
        name = "gazelle_tool",
        importpath = "github.com/bazelbuild/bazel-gazelle",
        **versions["github.com/bazelbuild/bazel-gazelle"]
    )
