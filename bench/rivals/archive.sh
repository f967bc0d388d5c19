#!/bin/sh
# What one would use instead: pack each file, copy it to the other disk, sync, read all of it again.
# archive.sh SOURCE STORE [SCRATCH]: without a scratch directory it is packed right where it stays.
set -e
for file in "$1"/*; do
    name=${file##*/}
    if [ -n "$3" ]; then
        zstd -3 --check -q -c "$file" >"$3/packed.zst"
        cp "$3/packed.zst" "$2/$name.zst"
    else
        zstd -3 --check -q -c "$file" >"$2/$name.zst"
    fi
done
sync
for file in "$1"/*; do
    name=${file##*/}
    # What is read again must come from the disk: these pages go.
    dd if="$2/$name.zst" iflag=nocache count=0 2>/dev/null
    zstd -dc "$2/$name.zst" | cmp - "$file"
done
