// Makes ngrams.bin from the npm package eld, unpacked in the folder given as the
// first argument: node make.mjs PACKAGE ngrams.bin. The format is in README.md.
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, out] = process.argv.slice(2)
const load = async (file) => import(pathToFileURL(path.resolve(folder, 'src', file)))
const { ngramsData } = await load('ngrams/extrasmall.js')
const { dictionary } = await load('dictionary.js')

const byteOf = new Map()
for (const [code, char] of Object.entries(dictionary)) if (char !== ' ') byteOf.set(char, Number(code))
const bytes = (ngram) => Buffer.from([...ngram].map((c) => byteOf.get(c) ?? c.charCodeAt(0)))

const entries = Object.entries(ngramsData.ngrams)
  .map(([ngram, scores]) => [bytes(ngram), Object.entries(scores).map(([lang, score]) => [Number(lang), score])])
  .sort((a, b) => Buffer.compare(a[0], b[0]))

const languages = Object.values(ngramsData.languages).join(' ')
const index = Buffer.alloc(4 * entries.length)
const parts = []
let at = 0
entries.forEach(([ngram, scores], i) => {
  index.writeUInt32BE(at, 4 * i)
  const entry = Buffer.concat([Buffer.from([ngram.length]), ngram, Buffer.from([scores.length, ...scores.flat()])])
  if (scores.some(([lang, score]) => score > 255 || score < 0 || lang > 255) || ngram.length > 255) throw new Error('out of range')
  parts.push(entry)
  at += entry.length
})
const head = Buffer.alloc(6)
head.writeUInt16BE(languages.length, 0)
head.writeUInt32BE(entries.length, 2)
fs.writeFileSync(out, Buffer.concat([head, Buffer.from(languages), index, ...parts]))
console.log(entries.length, 'n-grams of', languages)
