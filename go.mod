module github.com/prioritycut/prioritycut

go 1.22

require (
	github.com/gocarina/gocsv v0.0.0-20240520201108-78e41c74b4b1
	github.com/golang/glog v1.2.5
	github.com/google/go-cmp v0.6.0
	github.com/prometheus/client_golang v1.20.5
	github.com/schollz/progressbar/v3 v3.18.0
	github.com/spf13/pflag v1.0.10
	github.com/wamuir/graft v0.10.0
	go.yaml.in/yaml/v3 v3.0.6
	golang.org/x/image v0.23.0
	golang.org/x/sync v0.10.0
	golang.org/x/sys v0.29.0
	golang.org/x/term v0.28.0
	golang.org/x/text v0.21.0
	google.golang.org/protobuf v1.34.2
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/klauspost/compress v1.17.9 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.1 // indirect
	github.com/prometheus/common v0.55.0 // indirect
	github.com/prometheus/procfs v0.15.1 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
)
