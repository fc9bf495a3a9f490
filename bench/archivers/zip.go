// Packs a directory with archive/zip, as Terraform's archive_file does: zip OUTPUT DIRECTORY
package main

import (
	"archive/zip"
	"io/fs"
	"log"
	"os"
	"path/filepath"
)

func main() {
	output, err := os.Create(os.Args[1])
	check(err)
	archive := zip.NewWriter(output)
	root := os.Args[2]
	check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		check(err)
		header, err := zip.FileInfoHeader(info)
		check(err)
		header.Name, err = filepath.Rel(root, path)
		check(err)
		header.Method = zip.Deflate
		member, err := archive.CreateHeader(header)
		check(err)
		content, err := os.ReadFile(path)
		check(err)
		_, err = member.Write(content)
		return err
	}))
	check(archive.Close())
	check(output.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
