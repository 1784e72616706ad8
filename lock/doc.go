// Package lock says who may refresh.
package lock
