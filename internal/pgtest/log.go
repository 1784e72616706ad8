package pgtest

import (
	"io"
	"os"
	"path/filepath"
)

// Log returns all that the server has logged.
func (c *Cluster) Log() (string, error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, "server.log"))
	return string(text), err
}

// LogLength is how long the log is.
func (c *Cluster) LogLength() (int, error) {
	info, err := os.Stat(filepath.Join(c.Dir, "server.log"))
	if err != nil {
		return 0, err
	}
	return int(info.Size()), nil
}

// LogFrom returns what the server has logged behind a place of its log: that of many tests is long.
func (c *Cluster) LogFrom(from int) (string, error) {
	file, err := os.Open(filepath.Join(c.Dir, "server.log"))
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.NewSectionReader(file, int64(from), 1<<40))
	return string(text), err
}
