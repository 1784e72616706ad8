// Command soak is the test that never rests: random histories of a source, of the definitions over it and of faults,
// with readers beside them, held against a model of what each strategy promises.
//
//	go run ./integration/soak -for 10m            # new histories until the time is up
//	go run ./integration/soak -seed 7 -histories 1 # the history of seed 7 once more
//
// A history has a source and a cache of its own, a few units (a view, or a group of views), two workers, and readers
// that are another ordinary role than the owner. It is a sequence of steps: the source changes, a unit is refreshed,
// a definition is altered; during a step the source may change again, a second worker may refresh the same, and what
// refreshes may be cancelled, cut off or killed. Every choice comes from the seed and the number of the step, so a seed
// gives the same steps again, whatever came out of them. What the machine does in between is not the seed's to say.
//
// After each step everything comes to rest, and then:
//
//   - each copy equals, row by row in the text of every column and by EXCEPT ALL both ways, what the model makes of the
//     copy before and of the source as it was committed at one moment of the step. All views of a group agree on that
//     moment. What a strategy says that it does not see is in the model (model.go), so it is expected, not excused;
//   - the outcome of each refresh is the one that the model expects, unless a fault was the cause of another;
//   - the as-of claims nothing that the copy does not have;
//   - each look of each reader since then shows what was at rest before or after, or a state that lay between, for all
//     views of a group the same one, and a second look in the same snapshot shows the same as the first.
//
// At the end of a history nothing is left: no lock, transaction, session, temporary relation, prepared transaction,
// generation that nobody sees, or run that says it is under way.
package main
