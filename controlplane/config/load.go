package config

import (
	"io/fs"
	"os"
)

// SecretVariable is the environment variable that holds the AJP secret of
// pools that name none.
const SecretVariable = "CATHERD_AJP_SECRET"

// Options says what Load may look at besides the text. The zero value looks
// at nothing: files that the configuration names are then taken on trust and
// secrets that live in files stay empty.
type Options struct {
	ReadFile func(name string) ([]byte, error)      // nil: files are not read
	Stat     func(name string) (fs.FileInfo, error) // nil: permissions are not looked at
}

// SystemFiles are the Options that look at the real files.
func SystemFiles() Options { return Options{ReadFile: os.ReadFile, Stat: os.Stat} }

// LoadFile reads and checks a configuration file, the environment and the
// files it names. See Load.
func LoadFile(name string) (*Config, Problems) {
	data, err := readBounded(name)
	if err != nil {
		return nil, Problems{unreadable(name, err)}
	}
	return Load(name, data, os.Getenv, SystemFiles())
}

// Load reads and checks one configuration. The name is used in messages only.
// All problems are reported in one run, sorted by position; with an error
// among them the Config is nil. getenv may be nil: then no variable is set.
// An empty variable counts as unset. Load never panics and touches nothing
// but what the options allow.
func Load(name string, data []byte, getenv func(string) string, opts Options) (*Config, Problems) {
	src, root, ps := parse(name, data)
	if ps.HasErrors() {
		return nil, ps
	}
	return decode(src, root, getenv, opts)
}
