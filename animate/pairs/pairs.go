// Package pairs says which pictures are animated after which videos when a
// model is shown on a test set: by a table, as the reference's, or at random.
package pairs

import (
	"fmt"
	"io"
	"strings"

	"github.com/prioritycut/prioritycut/internal/filename"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/internal/sheet"
)

// Pair names two test videos: the first frame of Source moves after Driving.
type Pair struct{ Source, Driving string }

// FileNames are what the results of pairs are called, without extension:
// driving-source as in the reference, slashes as underscores, shortened where
// titles are too long for a file's name. Where two would be
// called the same, the later one gets a number.
func FileNames(pairs []Pair) []string {
	names := make([]string, len(pairs))
	taken := map[string]bool{}
	for i, p := range pairs {
		plain := strings.ReplaceAll(p.Driving+"-"+p.Source, "/", "_")
		if len(plain) > filename.Longest {
			const each = (filename.Longest - 20) / 2
			plain = strings.ReplaceAll(filename.Cut(p.Driving, each)+"-"+filename.Cut(p.Source, each), "/", "_") + "-" + filename.Sum(plain)
		}
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
	table, err := sheet.Open(path, maxBytes)
	if err != nil {
		return nil, 0, fmt.Errorf("pairs: %w", err)
	}
	defer table.Close()
	if pairs, dropped, err = read(table, names); err != nil {
		return nil, 0, fmt.Errorf("pairs %s: %w", path, err)
	}
	return pairs, dropped, nil
}

func read(table *sheet.Sheet, names []string) (pairs []Pair, dropped int, err error) {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	source, driving := table.Column("source"), table.Column("driving")
	if source < 0 || driving < 0 {
		return nil, 0, fmt.Errorf("its header is %.100q: it needs the columns source and driving", strings.Join(table.Columns, ","))
	}
	rows := table.Rows()
	seen := map[Pair]bool{}
	for {
		row, err := rows.Next()
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
