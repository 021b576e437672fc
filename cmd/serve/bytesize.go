package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag's value such as 64MiB.
type byteSize int64

var units = []struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// String writes the largest unit that divides it.
func (b *byteSize) String() string {
	for _, u := range units {
		if n := int64(*b); n%u.size == 0 && (n != 0 || u.size == 1) {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return ""
}

// Set reads a number, with or without a unit.
func (b *byteSize) Set(text string) error {
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.size {
			break
		}
		*b = byteSize(n * u.size)
		return nil
	}
	return errors.New("want a number of bytes, such as 1000000, 512KiB, 64MiB or 2GiB")
}

// Type names the value in messages.
func (b *byteSize) Type() string { return "bytes" }
