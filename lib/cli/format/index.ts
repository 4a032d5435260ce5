/**
 * `--format`: what docker's command line prints of each container, image and so on.
 *
 *     tokens.ts parse.ts template.ts   Go's text/template: pieces, tree, filling in
 *     functions.ts values.ts           what it can call; values as Go prints them
 *     error.ts                         what is wrong, in Go's words
 *     rows.ts                          tables, JSON and templates, a line each
 */
export { type Column, type Listing, showRows } from './rows.js'
export { compile } from './template.js'
export { type GoMap, goJson, mapOf, Row } from './values.js'
