/** Style sheets are esbuild's: a script that imports one only says that they belong together. */
declare module '*.css'
