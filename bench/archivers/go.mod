module lambda-pack/bench/archivers

go 1.21
