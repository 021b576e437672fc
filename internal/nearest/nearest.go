// Package nearest finds the known word that a mistyped one was meant to be.
package nearest

import "strings"

// maxLen bounds the words that are compared: the cost is quadratic.
const maxLen = 128

// Word returns the known word with the least edit distance to word, or "" when
// none is near enough to be a likely mistyping. But rather than one that is two
// edits away, it returns the first that word is the beginning of, up to one of
// its hyphens or underscores (vox of vox-256). Case is ignored, '-' counts as
// '_', and of equally near words the first wins.
func Word(word string, known []string) string {
	if len(word) > maxLen {
		return ""
	}
	folded := fold(word)
	best, bestDistance := "", limit(folded)+1
	for _, candidate := range known {
		if len(candidate) > maxLen {
			continue
		}
		if d := Distance(folded, fold(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if bestDistance <= 1 || word == "" {
		return best
	}
	for _, candidate := range known {
		if strings.HasPrefix(fold(candidate), folded+"_") {
			return candidate
		}
	}
	return best
}

// limit is the largest distance at which a suggestion still helps: one edit in
// a short word, a third of a long one.
func limit(word string) int {
	return max(1, len(word)/3)
}

func fold(word string) string {
	return strings.ReplaceAll(strings.ToLower(word), "-", "_")
}

// Distance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (the restricted Damerau-Levenshtein distance,
// in bytes).
func Distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
