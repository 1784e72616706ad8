package integration_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
)

// pipelineViews is how many views there are, unless REDCACHE_TEST_VIEWS says otherwise; 500 is what is promised.
const pipelineViews = 40

// generated is a directory of so many views: ten that read Redshift, and nine layers of others, each of which reads two of the
// layer below it. They are called bi.l0_0 and so on.
func (w *world) generated(t *testing.T, views int) string {
	t.Helper()
	const roots, layers = 10, 9
	files, below := map[string]string{}, []string{}
	add := func(layer, n int, text string) string {
		name := fmt.Sprintf("l%d_%d", layer, n)
		files[name] = text
		return name
	}
	for n := range roots {
		below = append(below, add(0, n, fmt.Sprintf("-- @link dw\n-- @strategy swap\nSELECT id, batch + %d AS batch FROM public.item", n)))
	}
	for layer := 1; layer <= layers; layer++ {
		var here []string
		for n := range (views - roots - (layer - 1) + layers - 1) / layers {
			a, b := below[n%len(below)], below[(n+1)%len(below)]
			here = append(here, add(layer, n, fmt.Sprintf("-- @every 5s\nSELECT a.id, a.batch + b.batch AS batch FROM bi.%s a JOIN bi.%s b ON b.id = a.id", a, b)))
		}
		below = here
	}
	if len(files) != views {
		t.Fatalf("%d views were generated, want %d", len(files), views)
	}
	return w.directory(t, "bi", files)
}

// timed runs cachectl, and says how long it took and how much memory. What the kernel says of a process that has ended begins
// with the memory of the one that forked it, so it is asked while it runs.
func (w *world) timed(t *testing.T, status int, args ...string) (took time.Duration, resident int64) {
	t.Helper()
	began := time.Now()
	p := w.start(t, nil, "cachectl", args...)
	for ended := false; !ended; {
		select {
		case <-p.ended:
			ended = true
		case <-time.After(10 * time.Millisecond):
			resident = max(resident, mostResident(p.cmd.Process.Pid))
		}
	}
	if code := p.wait(t, time.Second); code != status {
		t.Fatalf("cachectl %v: exit status %d, want %d\n%s", args, code, status, p.stderr.String())
	}
	if resident == 0 {
		t.Fatalf("cachectl %v: nobody said how much memory it took", args)
	}
	return time.Since(began), resident
}

// mostResident is the most memory that a process has had at once so far, or 0 once it has ended.
func mostResident(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kilobytes, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	most, _ := strconv.ParseInt(kilobytes, 10, 64)
	return most << 10
}

// A directory of many views is compiled, planned and applied; and once its roots are refreshed for a label, every other view is
// refreshed for it exactly once.
func TestPipeline_ManyViewsFollowALabelOnce(t *testing.T) {
	t.Parallel()
	views := pipelineViews
	if asked, err := strconv.Atoi(os.Getenv("REDCACHE_TEST_VIEWS")); err == nil {
		views = asked
	}
	w := newWorld(t, pgtest.Config{}, "CREATE TABLE public.item AS SELECT id, 0 AS batch FROM generate_series(1, 100) id")
	dir := w.generated(t, views)
	for _, step := range []struct {
		args   []string
		status int
	}{{[]string{"compile", dir, "--json"}, 0}, {[]string{"plan", dir}, 3}, {[]string{"apply", dir}, 0}, {[]string{"plan", dir}, 0}} {
		took, resident := w.timed(t, step.status, step.args...)
		t.Logf("cachectl %s of %d views: %s, %d MiB", step.args[0], views, took.Round(time.Millisecond), resident>>20)
		if step.args[0] != "apply" && took > 20*time.Second {
			t.Errorf("it took more than 20 s")
		}
		if resident > 300<<20 {
			t.Errorf("it took more than 300 MiB")
		}
	}
	w.wantNoneDueSoon(t)

	w.change(t, "UPDATE public.item SET batch = 1")
	const labelsHaveCome = `SELECT bool_and(label <= now()) FROM redcache.defined WHERE label IS NOT NULL`
	w.untilTrue(t, labelsHaveCome)
	var last int64
	if err := w.pool.QueryRow(t.Context(), `SELECT max(id) FROM redcache.run`).Scan(&last); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		w.cachectl(t, "refresh", fmt.Sprintf("bi.l0_%d", n))
	}
	began := time.Now()
	worker := w.worker(t)
	w.untilTrue(t, fmt.Sprintf(`SELECT count(*) >= %d FROM redcache.run WHERE id > %d AND state = 'succeeded'`, views, last))
	t.Logf("%d views were refreshed in %s", views-10, time.Since(began).Round(time.Millisecond))
	w.untilTrue(t, labelsHaveCome) // the next ones, for which no input is there
	worker.stop(t)
	rows, err := w.pool.Query(t.Context(), `SELECT v.view_name || ': ' || count(r.id) FROM redcache.view v
		LEFT JOIN redcache.run r ON r.view_id = v.id AND r.id > $1 GROUP BY v.view_name HAVING count(r.id) <> 1`, last)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var wrong string
		if err := rows.Scan(&wrong); err != nil {
			t.Fatal(err)
		}
		t.Errorf("runs for the label of %s, want one", wrong)
	}
	w.wantEqual(t, "bi.l1_0", "SELECT id, 2 * batch + 1 AS batch FROM public.item")
	w.wantNothingLeft(t)
}

// wantNoneDueSoon holds a look for what is due against what is promised: the fastest of some, as noise only adds.
func (w *world) wantNoneDueSoon(t *testing.T) {
	t.Helper()
	took := make([]time.Duration, 11)
	for i := range took {
		began := time.Now()
		if due, err := catalog.In(w.pool).Due(t.Context(), nil, 80); err != nil || len(due) > 0 {
			t.Fatalf("%v, %v are due", due, err)
		}
		took[i] = time.Since(began)
	}
	if slices.Sort(took); took[0] > 50*time.Millisecond {
		t.Errorf("to find that nothing is due takes %s", took[0])
	}
	t.Logf("that nothing is due is found in %s", took[len(took)/2].Round(100*time.Microsecond))
}

// untilTrue waits until a query says so.
func (w *world) untilTrue(t *testing.T, query string) {
	t.Helper()
	eventually(t, 5*time.Minute, func() error {
		var so bool
		if err := w.pool.QueryRow(t.Context(), query).Scan(&so); err != nil || !so {
			return fmt.Errorf("%s: %v, %w", query, so, err)
		}
		return nil
	})
}
