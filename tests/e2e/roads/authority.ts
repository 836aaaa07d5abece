/** Certificates of an authority that only the hosts of one test know. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificate {
  /** PEM files. */
  certificate: string
  key: string
}

export class Authority {
  /** Its own certificate, which clients are to trust: a PEM file. */
  readonly certificate: string
  private readonly key: string

  constructor(private readonly folder: string) {
    this.certificate = join(folder, 'authority.pem')
    this.key = join(folder, 'authority.key')
    openssl('req', '-x509', ...newKey(this.key), '-subj', '/CN=Hearth test authority', '-days', '2', '-out', this.certificate)
  }

  /** Signs a certificate for a host that has these names. */
  sign(...names: readonly [string, ...string[]]): Certificate {
    const file = (kind: string) => join(this.folder, `${names[0]}.${kind}`)
    const key = file('key')
    openssl('req', ...newKey(key), '-subj', `/CN=${names[0]}`, '-out', file('csr'))
    const known = names.map((name) => `DNS:${name}`).join(',')
    writeFileSync(file('ext'), `subjectAltName=${known}\nextendedKeyUsage=serverAuth\n`)
    const by = ['-CA', this.certificate, '-CAkey', this.key, '-extfile', file('ext')]
    openssl('x509', '-req', '-in', file('csr'), ...by, '-days', '2', '-out', file('pem'))
    return { certificate: file('pem'), key }
  }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file]
}

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}
