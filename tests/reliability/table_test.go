package reliability

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// long says that there is time for many tries.
var long = os.Getenv("PRIORITYCUT_RELIABILITY") == "long"

// tries and soakSteps bound the long mode, where only a part of it is wanted: so
// many tries of each promise, so many steps of the long run. 0 does not.
var (
	tries     = number("PRIORITYCUT_RELIABILITY_TRIES")
	soakSteps = number("PRIORITYCUT_RELIABILITY_STEPS")
)

// number reads a bound; what is none ends the tests.
func number(variable string) int {
	text := os.Getenv(variable)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "%s=%s: a number from 1 on\n", variable, text)
		os.Exit(2)
	}
	return n
}

// promise is a row of the table.
type promise struct {
	words string
	// tries it a number of times and returns how many tries it has made. What
	// fails is reported, try by try, as an error of the test.
	try func(t *testing.T, n int) int
	// short and long are how many tries are asked for.
	short, long int
}

// row is what came of a promise.
type row struct {
	words           string
	tries, failures int
	took            time.Duration
}

// table collects rows for the end of the tests.
var table []row

// keep tries all promises.
func keep(t *testing.T, promises ...promise) {
	for _, p := range promises {
		t.Run(strings.ReplaceAll(p.words, " ", "_"), func(t *testing.T) {
			n := p.short
			if long {
				if n = p.long; tries > 0 {
					n = min(n, tries)
				}
			}
			began := time.Now()
			failures.Store(0)
			tries := p.try(t, n)
			table = append(table, row{p.words, tries, int(failures.Load()), time.Since(began)})
		})
	}
}

// failures are those of the promise that is being tried; promises are tried one
// after the other.
var failures atomic.Int64

// failf reports a try that failed.
func failf(t *testing.T, format string, args ...any) {
	t.Helper()
	failures.Add(1)
	t.Errorf(format, args...)
}

func TestMain(m *testing.M) { clitest.Main(printing{m}, train) }

// printing prints the table behind the tests.
type printing struct{ *testing.M }

func (p printing) Run() int {
	code := p.M.Run()
	if long && len(table) > 0 {
		fmt.Println("| promise | tries | failures | seconds |\n| --- | --- | --- | --- |")
		for _, r := range table {
			fmt.Printf("| %s | %d | %d | %.0f |\n", r.words, r.tries, r.failures, r.took.Seconds())
		}
	}
	return code
}
