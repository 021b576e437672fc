module github.com/prioritycut/prioritycut/third_party/lint

go 1.22.1

toolchain go1.22.12

require (
	github.com/bazelbuild/buildtools v0.0.0-20240918101019-be1c24cc9a44
	honnef.co/go/tools v0.5.1
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/golang/protobuf v1.5.0 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.17.0 // indirect
	golang.org/x/sync v0.7.0 // indirect
	golang.org/x/tools v0.21.1-0.20240531212143-b6235391adb3 // indirect
	google.golang.org/protobuf v1.33.0 // indirect
)
