// Package config is the configuration language of Catherd: text in, a complete
// Config or a list of problems out.
//
// Every key is declared once, as a field with tags in schema.go and
// schema_pool.go. The decoder, the defaults, the limits, the hints for typing
// errors, the JSON schema (Schema), the reference (Reference) and the long
// form (Expand) are all read from there by reflection. To add a key, add a
// field with its tags; to explain one, change its doc.
//
// Load goes through fixed steps. parse makes a tree of YAML nodes with
// positions; the decoder walks it beside the declaration and notes where each
// path stands; resolve turns short forms into long ones and finds secrets;
// validate checks what takes two values to see. All problems of a run are
// reported together, each with its place, its line and a cure. LoadMembers
// reads the files that a pool's discover.file names with the same decoder.
//
// It is called by the program's verbs (run, check, schema), by the controller
// on a reload and by compile, which reads the Config and nothing else. A Config
// is not changed after Load.
//
// It must never panic, whatever the file holds; never print a secret, not even
// in the line an error points to; never touch a file, the environment or the
// network except through the Options and the getenv it is given; and never be
// imported by the data path.
//
// What bites:
//
//   - Load returns warnings and notes beside a good Config. HasErrors decides.
//   - A zero-valued group that is optional (TLS, Request, AlsoAt) is not in use;
//     its first required key tells. Discover says so in On, because none of its
//     keys is required.
//   - A pool has no members when all of them are yet to be found (Discover.On).
//     With makes a copy of a Config that has them; its digest is another one.
//   - Member.Route is "" when the route is to be learned, and the member's name
//     when the file does not say.
//   - A default runs through the decoder like a value of the file. A wrong one
//     panics in the first Load, hence in the tests.
//   - The language leaves out parts of YAML on purpose: aliases, anchors, tags,
//     merge keys, several documents. They cost attention and make bombs.
//   - Schema may accept more than Load, never less. A test holds both against
//     the same files.
package config
