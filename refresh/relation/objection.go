package relation

// The objections of Postgres that publishing knows an answer to.
const (
	duplicateSchema    = "42P06"
	duplicateTable     = "42P07"
	invalidTable       = "42P16" // CREATE OR REPLACE VIEW cannot drop, rename or retype columns
	DependentObjects   = "2BP01"
	undefinedObject    = "42704"
	InsufficientRights = "42501"
	TooManyColumns     = "54011"
	UniqueViolation    = "23505"

	featureNotSupported = "0A000"
)
