/** nginx before the signaling server, as on a VDS: TLS, and the address of whoever asks. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from './authority.ts'
import type { Host } from './hosts.ts'
import { VDS_NAME } from './map.ts'

export interface FrontOptions {
  /** On which it listens. */
  address: string
  /** Where the signaling server is. */
  upstream: string
  /** Whether it passes on that a browser asks for a WebSocket. */
  webSockets: boolean
}

export class Front {
  private readonly configuration: string

  constructor(
    private readonly host: Host,
    folder: string,
    certificate: Certificate,
    options: FrontOptions,
  ) {
    mkdirSync(folder, { recursive: true })
    this.configuration = join(folder, 'nginx.conf')
    writeFileSync(this.configuration, configure(folder, certificate, options))
    // It gives back the command line once it listens.
    host.run('nginx', '-p', folder, '-e', join(folder, 'error.log'), '-c', this.configuration)
  }

  stop(): void {
    const [program, ...words] = this.host.command(['nginx', '-c', this.configuration, '-s', 'stop'])
    execFileSync(program, words, { stdio: 'ignore' })
  }
}

function configure(folder: string, tls: Certificate, options: FrontOptions): string {
  const address = options.address.includes(':') ? `[${options.address}]` : options.address
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${folder}/${kind};`)
    .join('\n')
  const upgrade = options.webSockets
    ? 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;'
    : 'proxy_set_header Connection "";'
  return `
user root;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
${scratch}
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen ${address}:443 ssl;
    server_name ${VDS_NAME};
    ssl_certificate ${tls.certificate};
    ssl_certificate_key ${tls.key};
    location / {
      proxy_pass http://${options.upstream};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      ${upgrade}
      proxy_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
`
}
