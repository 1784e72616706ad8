package schedule

// Choose is choose, for tests.
var Choose = choose

// Encode and Decode are the two ends of a message, for tests.
var (
	Encode = encode
	Decode = decode
)
