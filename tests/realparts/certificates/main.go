// Makes the keys of a test control plane: Python's standard library cannot sign a certificate, Go's can, and Go
// is here anyway to build the components.
//
//	certificates DIR [NAME=GROUP ...]
//
// writes to DIR: ca.{crt,key}, server.{crt,key} for 127.0.0.1, the lab's address and localhost, NAME.{crt,key} for each client, sa.key.
//
//	certificates -seconds N DIR [NAME=GROUP ...]
//
// makes with the ca that is there a new server.{crt,key}, and NAME.{crt,key} instead if clients are named. They are
// good for N seconds; with less than 0 they ran out so long ago.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
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
	seconds := flag.Int("seconds", 0, "")
	flag.Parse()
	dir, clients := flag.Arg(0), flag.Args()[1:]
	if *seconds != 0 {
		ends = time.Now().Add(time.Duration(*seconds) * time.Second)
		ca, caKey := readCA(dir)
		if len(clients) == 0 {
			issueServer(dir, ca, caKey)
		}
		issueClients(dir, clients, ca, caKey)
		return
	}
	caKey := newKey()
	ca := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "dratui test CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	sign(dir, "ca", ca, ca, caKey, caKey)
	writeKey(dir, "ca", caKey)
	issueServer(dir, ca, caKey)
	issueClients(dir, clients, ca, caKey)
	writeKey(dir, "sa", newKey())
}

// When what is signed ends to be good.
var ends = time.Now().Add(7 * 24 * time.Hour)

func issueServer(dir string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) {
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP("10.196.0.1")},
	}
	issue(dir, "server", server, ca, caKey)
}

func issueClients(dir string, clients []string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) {
	for _, client := range clients {
		name, group, _ := strings.Cut(client, "=")
		issue(dir, name, &x509.Certificate{
			Subject:     pkix.Name{CommonName: name, Organization: []string{group}},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}, ca, caKey)
	}
}

func readCA(dir string) (*x509.Certificate, *ecdsa.PrivateKey) {
	ca, err := x509.ParseCertificate(read(dir, "ca.crt"))
	check(err)
	key, err := x509.ParseECPrivateKey(read(dir, "ca.key"))
	check(err)
	return ca, key
}

func read(dir, name string) []byte {
	data, err := os.ReadFile(filepath.Join(dir, name))
	check(err)
	block, _ := pem.Decode(data)
	return block.Bytes
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
	template.NotAfter = ends
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
