package redshiftsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// makeCertificates makes an authority and a server certificate signed by it, and writes the authority to ca.pem in a
// new directory that every user may read.
func makeCertificates(host string) (_ *tls.Config, dir string, err error) {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Redshift stand-in authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authorityKey, authorityErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	leafKey, leafErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err = errors.Join(authorityErr, leafErr); err != nil {
		return nil, "", fmt.Errorf("make keys: %w", err)
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, "", fmt.Errorf("make authority: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", host}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, leafKey.Public(), authorityKey)
	if err != nil {
		return nil, "", fmt.Errorf("make certificate: %w", err)
	}
	dir, err = writeAuthority(authorityDER)
	certificate := tls.Certificate{Certificate: [][]byte{leafDER, authorityDER}, PrivateKey: leafKey}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, dir, err
}

func writeAuthority(der []byte) (string, error) {
	dir, err := os.MkdirTemp("", "redshiftsim-")
	if err != nil {
		return "", fmt.Errorf("make certificate directory: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	err = os.WriteFile(filepath.Join(dir, "ca.pem"), text, 0o644)
	// A server under test runs as another user and has to reach the file; MkdirTemp lets in nobody else.
	if err = errors.Join(err, os.Chmod(dir, 0o755)); err != nil {
		return "", errors.Join(fmt.Errorf("write authority: %w", err), os.RemoveAll(dir))
	}
	return dir, nil
}
