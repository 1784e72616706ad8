package redshiftsim_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// 8.0 prints FLT_DIG and DBL_DIG digits, 6 and 15, and extra_float_digits more: with 2, the most that there is, eight of a
// REAL, which can need nine, and seventeen of a DOUBLE PRECISION, which are always enough.
func TestServer_PrintsAsManyDigitsAsAnEngineOf80(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	const query = `SELECT 1.00000012::real, 16777216::real, 0.1::real, 1e-45::real, 3.4028235e38::real, '-0'::real,
		'NaN'::real, '-Infinity'::real, 0.1::float8, 1e20::float8, 5e-324::float8, 100000::float8, NULL::real`
	for digits, want := range map[int]string{
		0: "1 1.67772e+07 0.1 1.4013e-45 3.40282e+38 -0 NaN -Infinity 0.1 1e+20 4.94065645841247e-324 100000 ",
		1: "1 1.677722e+07 0.1 1.401298e-45 3.402823e+38 -0 NaN -Infinity 0.1 1e+20 4.940656458412465e-324 100000 ",
		2: "1.0000001 16777216 0.1 1.4012985e-45 3.4028235e+38 -0 NaN -Infinity 0.10000000000000001 1e+20 " +
			"4.9406564584124654e-324 100000 ",
	} {
		if _, err := conn.PgConn().Exec(t.Context(), fmt.Sprint("SET extra_float_digits TO ", digits)).ReadAll(); err != nil {
			t.Fatal(err)
		}
		results, err := conn.PgConn().Exec(t.Context(), query).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(bytes.Join(results[0].Rows[0], []byte(" "))); got != want {
			t.Errorf("with %d more digits: got\n%s, want\n%s", digits, got, want)
		}
	}
}
