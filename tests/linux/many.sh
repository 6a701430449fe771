# What ended sandboxes were made of is used again: one after another, of two sizes, many times more than fit into memory at once.
i=0
while [ $i -lt 25 ]; do
    sandbox --mem 6M -- true
    sandbox --mem 8M -- true
    i=$((i+1))
done
