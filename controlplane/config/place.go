package config

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// at finds the place of a path, or of the nearest thing around it that the
// file has.
func (d *decoder) at(path string) spot {
	for p := path; p != ""; {
		if s, ok := d.spots[p]; ok {
			return s
		}
		at := strings.LastIndexAny(p, ".[")
		if at < 0 {
			break
		}
		p = p[:at]
	}
	top := &yaml.Node{Kind: yaml.ScalarNode, Line: 1, Column: 1}
	return spot{top, top}
}

// errorAt reports an error at the value of a path.
func (d *decoder) errorAt(path, what, cure string) {
	if d.full() {
		return
	}
	v := d.at(path).value
	d.add(d.src.problem(v.Line, v.Column, 1, path, what, cure))
}

// errorAtKey reports an error at the key of a path.
func (d *decoder) errorAtKey(path, what, cure string) {
	d.keyProblem(d.at(path).key, path, what, cure)
}

// warnAt reports a warning at the value of a path.
func (d *decoder) warnAt(path, what, cure string) {
	if d.full() {
		return
	}
	v := d.at(path).value
	p := d.src.problem(v.Line, v.Column, 1, path, what, cure)
	p.Severity = Warning
	d.add(p)
}

// warnAtKey reports a warning at the key of a path.
func (d *decoder) warnAtKey(path, what, cure string) {
	if d.full() {
		return
	}
	k := d.at(path).key
	p := d.src.problem(k.Line, k.Column, d.width(k), path, what, cure)
	p.Severity = Warning
	d.add(p)
}

// noteAtKey reports a note at the key of a path.
func (d *decoder) noteAtKey(path, what, cure string) {
	if d.full() {
		return
	}
	d.warnAtKey(path, what, cure)
	d.ps[len(d.ps)-1].Severity = Note
}

// set reports whether the file has the path.
func (d *decoder) set(path string) bool {
	_, ok := d.marks[path]
	return ok
}

// derive notes that a path got its value from another path of the file.
func (d *decoder) derive(path, from string) {
	if o, ok := d.marks[from]; ok {
		d.marks[path] = o
	} else {
		d.marks[path] = Origin{Note: "as " + from}
	}
	if s, ok := d.spots[from]; ok {
		d.spots[path] = s
	}
}
