#!/bin/bash
# github.com/go-gota/gota v0.12.0 (Go): a table of metrics that is read and written again has six digits
# behind the point, so small losses and rates become 0; and its median counts NaN as a number.
#
# Seen: of the column 0.00000012345678, 0.0002, 1e-7 Mean says 6.67412e-05, as it should.
# WriteCSV writes 0.000000, 0.000200, 0.000000, and so does Records; what is read again has
# lost the two. Of 1, 2, 3, NaN the median is 2.5, where of 1, 2, 3 it is 2: NaN counts as the
# largest. Max of it is 3, Mean and Quantile(0.5) are NaN. Of 1, 2, 3, 4
# Quantile(0.5) is 2 and Median 2.5. None of them gives an error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >go.mod <<'MOD'
module metrics

go 1.21

require github.com/go-gota/gota v0.12.0

require (
	golang.org/x/net v0.0.0-20210423184538-5f58ad60dda6 // indirect
	gonum.org/v1/gonum v0.9.1 // indirect
)
MOD
cp "$here/gota_go.sum" go.sum
cat >main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

func main() {
	read := dataframe.ReadCSV(strings.NewReader("loss\n0.00000012345678\n0.0002\n1e-7\n"))
	var written bytes.Buffer
	if err := read.WriteCSV(&written); err != nil {
		panic(err)
	}
	fmt.Printf("read: mean %.6g, written: %q\n", read.Col("loss").Mean(), written.String())
	again := dataframe.ReadCSV(&written).Col("loss")
	fmt.Printf("read again: mean %.6g, smallest %g\n", again.Mean(), again.Min())
	for _, losses := range []string{"1 2 3", "1 2 3 NaN", "1 2 3 4"} {
		column := series.New(strings.Fields(losses), series.Float, "loss")
		fmt.Printf("%s: median %g, middle quantile %g, mean %g, largest %g\n", losses, column.Median(), column.Quantile(0.5), column.Mean(), column.Max())
	}
}
GO
GOFLAGS='-mod=readonly -modcacherw' GOWORK=off GOMODCACHE=$work/modules go run . | tee seen
for line in 'read: mean 6.67412e-05, written: "loss\n0.000000\n0.000200\n0.000000\n"' 'read again: mean 6.66667e-05, smallest 0' \
  '1 2 3: median 2, middle quantile 2, mean 2, largest 3' '1 2 3 NaN: median 2.5, middle quantile NaN, mean NaN, largest 3' \
  '1 2 3 4: median 2.5, middle quantile 2, mean 2.5, largest 4'; do
  grep -qxF "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
