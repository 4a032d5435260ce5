/*
 * In the place of Node's util for packages (our own modules say node:util): docker-modem shows each request in full to its debugging, also when nobody
 * reads it, which takes a millisecond of a short call. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const util = require('node:util')

module.exports = Object.assign(Object.create(util), { inspect: Object.assign(() => '', { custom: util.inspect.custom }) })
