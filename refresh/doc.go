// Package refresh is the engine: it is the only code that fills, publishes and drops generations of cached views.
//
// A refresh is one transaction, and the hard idea is what is in it: the view's advisory lock, the rows, the watermark
// and the run's result. They commit together or not at all, so there is no moment at which a crash, a cut network or
// a kill could leave rows without their watermark, a watermark without its rows, or a lock without its holder.
//
// Only two things stand outside. The row that says that a run is under way is written by a second connection, since
// others must see it before the transaction ends; if it is left behind, the next holder of the lock marks it
// abandoned. And what a failed transaction leaves on Redshift, a statement that runs for nobody, is cancelled through
// a third connection, because the one that waits for it cannot.
//
// What readers query is a plain view over one generation. A [Runner] fills the generation that readers see, or, when
// the definition asks for another, builds that one beside it and points the view at it in the same transaction. A
// [Definer] changes definitions: it rehearses the statements that will build the new generation and rolls them back,
// so that whatever PostgreSQL would object to is found before anything is stored.
//
// Below it are three leaves, which know nothing of it. Package read brings rows from Redshift, package apply makes them the
// rows of a generation, and package relation is what readers see. Which strategy a view has is asked nowhere here, only what
// [catalog.Traits] it has.
//
// Its files use each other in one direction, which internal/archtest holds. From the top: plan.go rehearses the two doors,
// define.go for definitions and refresh.go for refreshes. A definition goes through describe.go, decide.go, rehearse.go,
// build.go and set_publish.go; a refresh through job.go, which prepares, opens, reads (attempt.go, load.go) and publishes,
// and result.go, which says what came of it. At the bottom is what all of them know: state.go is a refresh under way,
// change.go a definition that changes, runner.go what both work with.
package refresh
