package reliability

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// long says that there is time for many tries.
var long = os.Getenv("PRIORITYCUT_RELIABILITY") == "long"

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
				n = p.long
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
