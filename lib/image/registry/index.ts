/**
 * Registries: where images come from and go to.
 *
 *     registry.ts       one repository: manifests and blobs, fetched and given (the class Registry)
 *     fetch.ts          a manifest or index, verified
 *     walk.ts           through indexes to one manifest
 *     documents.ts      manifests and indexes, checked
 *     download.ts       a blob as a stream, taken up again where it broke
 *     upload.ts         a blob to a registry, in one or in pieces
 *     login.ts          login and logout
 *     search.ts         which repositories there are
 *
 *     connection.ts     one registry or mirror that answers
 *     authorizer.ts     tokens and passwords; challenge.ts: what a registry asks for
 *     credentials.ts    ~/.docker/config.json; helper.ts: programs that keep credentials
 *     config.ts         mirrors and insecure registries
 *     certificates.ts   whom one believes
 *     http.ts           requests and answers; exchange.ts: one of each, on node:http; proxy.ts: a proxy on the way
 *     retry.ts          how often, how long
 *     errors.ts         Docker's words
 */
export { configFile, type RegistryConfig, registryConfig, withOptions } from './config.js'
export {
  type Credentials,
  configPath,
  credentialsFor,
  eraseCredentials,
  keepsInFile,
  knownRegistries,
  saveCredentials,
} from './credentials.js'
export { checkedDescriptor, type Document, INDEXES, LARGEST_MANIFEST, MANIFESTS, readDocument } from './documents.js'
export { RegistryError, TransportError } from './errors.js'
export type { Fetched } from './fetch.js'
export { TIMEOUTS, type Timeouts } from './http.js'
export { checkLogin, login, logout } from './login.js'
export { Registry, type RegistryOptions } from './registry.js'
export { type OnWait, PATIENCE, type Patience } from './retry.js'
export { type SearchOptions, type SearchResult, searchImages } from './search.js'
export type { Found } from './walk.js'
