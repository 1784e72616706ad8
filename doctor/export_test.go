package doctor

// What cannot be had for real on the machines that run tests: servers of other versions.
var (
	JudgeVersion  = judgeVersion
	JudgeTimeouts = judgeTimeouts
)

// Setting makes a setting whose sessions begin with a value.
func Setting(name, value string) map[string]setting {
	return map[string]setting{name: {Name: name, Reset: value}}
}
