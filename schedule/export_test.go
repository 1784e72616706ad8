package schedule

// Choose is choose, for tests.
var Choose = choose
