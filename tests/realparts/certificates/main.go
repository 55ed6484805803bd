// Makes the keys of a test control plane: Python's standard library cannot sign a certificate, Go's can, and Go
// is here anyway to build the components.
//
//	certificates DIR [NAME=GROUP ...]
//
// writes to DIR: ca.crt, server.{crt,key} for 127.0.0.1 and localhost, NAME.{crt,key} for each client, sa.key.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	dir := os.Args[1]
	caKey := newKey()
	ca := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "dratui test CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	sign(dir, "ca", ca, ca, caKey, caKey)

	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
	}
	issue(dir, "server", server, ca, caKey)

	for _, client := range os.Args[2:] {
		name, group, _ := strings.Cut(client, "=")
		issue(dir, name, &x509.Certificate{
			Subject:     pkix.Name{CommonName: name, Organization: []string{group}},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}, ca, caKey)
	}
	writeKey(dir, "sa", newKey())
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return key
}

func issue(dir, name string, template, ca *x509.Certificate, caKey *ecdsa.PrivateKey) {
	key := newKey()
	sign(dir, name, template, ca, key, caKey)
	writeKey(dir, name, key)
}

func sign(dir, name string, template, ca *x509.Certificate, key, caKey *ecdsa.PrivateKey) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	check(err)
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour) // a clock that was set back must not fail the tests
	template.NotAfter = time.Now().Add(7 * 24 * time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, caKey)
	check(err)
	write(dir, name+".crt", "CERTIFICATE", der)
}

func writeKey(dir, name string, key *ecdsa.PrivateKey) {
	der, err := x509.MarshalECPrivateKey(key)
	check(err)
	write(dir, name+".key", "EC PRIVATE KEY", der)
}

func write(dir, name, kind string, der []byte) {
	check(os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
