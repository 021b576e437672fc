// Package pairs says which pictures are animated after which videos when a
// model is shown on a test set: by a table, as the reference's, or at random.
package pairs

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/prioritycut/prioritycut/internal/random"
)

// Pair names two test videos: the first frame of Source moves after Driving.
type Pair struct{ Source, Driving string }

// FileNames are what the results of pairs are called, without extension:
// driving-source as in the reference, slashes as underscores. Where two would be
// called the same, the later one gets a number.
func FileNames(pairs []Pair) []string {
	names := make([]string, len(pairs))
	taken := map[string]bool{}
	for i, p := range pairs {
		plain := strings.ReplaceAll(p.Driving+"-"+p.Source, "/", "_")
		names[i] = plain
		for n := 2; taken[names[i]]; n++ {
			names[i] = fmt.Sprintf("%s-%d", plain, n)
		}
		taken[names[i]] = true
	}
	return names
}

// Bounds of a table of pairs.
const (
	maxBytes = 16 << 20
	maxPairs = 1e6
)

// Read reads a table with the columns source and driving; others (distance and
// frame in the reference's) are ignored. Pairs of videos that are not among
// names are dropped and counted, equal ones count once. It is an error if none
// is left.
func Read(path string, names []string) (pairs []Pair, dropped int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("pairs: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("it is not a regular file")
	case info.Size() > maxBytes:
		err = fmt.Errorf("it has %d bytes, more than the %d of any table of pairs", info.Size(), maxBytes)
	default:
		pairs, dropped, err = read(io.LimitReader(f, maxBytes), names)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("pairs %s: %w", path, err)
	}
	return pairs, dropped, nil
}

func read(r io.Reader, names []string) (pairs []Pair, dropped int, err error) {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	table := csv.NewReader(r)
	table.ReuseRecord = true
	header, err := table.Read()
	if err != nil {
		return nil, 0, fmt.Errorf("its header: %w", err)
	}
	source, driving := -1, -1
	for i, name := range header {
		switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))) {
		case "source":
			source = i
		case "driving":
			driving = i
		}
	}
	if source < 0 || driving < 0 {
		return nil, 0, fmt.Errorf("its header is %.100q: it needs the columns source and driving", strings.Join(header, ","))
	}
	seen := map[Pair]bool{}
	for {
		row, err := table.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		p := Pair{Source: strings.Clone(strings.TrimSpace(row[source])), Driving: strings.Clone(strings.TrimSpace(row[driving]))}
		switch {
		case !known[p.Source] || !known[p.Driving]:
			dropped++
		case !seen[p]:
			if len(pairs) >= maxPairs {
				return nil, 0, fmt.Errorf("it has more than %d pairs", int(maxPairs))
			}
			seen[p] = true
			pairs = append(pairs, p)
		}
	}
	if len(pairs) == 0 {
		return nil, dropped, fmt.Errorf("none of its %d pairs is of two videos of the test set, which begins with %.100q", dropped, strings.Join(names[:min(3, len(names))], ", "))
	}
	return pairs, dropped, nil
}

// Random draws n pairs of the videos, or all there are, without replacement. A
// video may be paired with itself, as in the reference. Equal names and seeds
// give equal pairs.
func Random(names []string, n int, seed int64) []Pair {
	all := len(names) * len(names)
	n = max(0, min(n, all))
	rng := random.New(seed, random.Label("pairs"))
	if n > all/2 {
		pairs := make([]Pair, n)
		for i, at := range rng.Perm(all)[:n] {
			pairs[i] = Pair{Source: names[at/len(names)], Driving: names[at%len(names)]}
		}
		return pairs
	}
	pairs := make([]Pair, 0, n)
	drawn := map[int]bool{}
	for len(pairs) < n {
		at := rng.IntN(all)
		if !drawn[at] {
			drawn[at] = true
			pairs = append(pairs, Pair{Source: names[at/len(names)], Driving: names[at%len(names)]})
		}
	}
	return pairs
}
