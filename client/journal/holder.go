package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// holderPrefix names the version of everything in a subdirectory: who does not know it leaves the whole alone.
const holderPrefix = "v1-"

// holder is a subdirectory whose lock this Journal has: its own, or that of an orphan.
type holder struct {
	name     string
	lock     locked
	segments int // guarded by Journal.mu
}

// note is what the lock file tells people.
type note struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host,omitempty"`
	Started time.Time `json:"started"`
}

// own returns the subdirectory of a Journal that opens. On a disk that has no room for another one it is that of an orphan,
// so that what the dead have left is sent, and its room comes back.
func own(d disk, now time.Time) (h *holder, orphan bool, err error) {
	host, _ := os.Hostname()
	text, err := json.Marshal(note{os.Getpid(), host, now.UTC()})
	if err != nil {
		return nil, false, err
	}
	text = append(text, '\n')
	h, err = newHolder(d, now, text)
	if !noSpace(err) {
		return h, false, err
	}
	names, listing := d.list(".")
	slices.Sort(names) // by their age
	for _, name := range names {
		if !adoptable(name) {
			continue
		}
		if lock, err := d.lock(name, text); err == nil {
			return &holder{name: name, lock: lock}, true, nil
		}
	}
	return nil, false, errors.Join(err, listing)
}

// newHolder makes a subdirectory and takes its lock. An adopter may be faster, and removes it as an empty orphan: then
// there is another name.
func newHolder(d disk, now time.Time, text []byte) (*holder, error) {
	for range 100 {
		name := fmt.Sprintf("%s%s-%08x", holderPrefix, now.UTC().Format("20060102t150405"), rand.Uint32())
		if err := d.mkdir(name); errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		lock, err := d.lock(name, text)
		if errors.Is(err, errLocked) {
			continue
		}
		if err == nil {
			err = d.syncDir(".")
			if err == nil {
				return &holder{name: name, lock: lock}, nil
			}
			err = errors.Join(err, lock.release(true))
		} else {
			_ = d.remove(name)
		}
		return nil, err
	}
	return nil, errors.New("no name for a subdirectory is free")
}

// strangers lists what is in a subdirectory and should not be: then it is not removed.
func strangers(d disk, name string) (found []string, err error) {
	names, err := d.list(name)
	return slices.DeleteFunc(names, func(n string) bool { return n == lockFile }), err
}

// adoptable reports whether a name in the directory may be that of a holder.
func adoptable(name string) bool {
	return strings.HasPrefix(name, holderPrefix) && path.Base(name) == name
}
