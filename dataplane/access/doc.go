// Package access carries one fixed-size record per request from the data path
// to whoever writes the access log. The data path copies facts and never
// formats; when the reader is slow, records are dropped and counted.
package access
