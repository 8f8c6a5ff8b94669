"""The proof that nothing is lost: crashes, moving data, faults and hostile answers, over all five taps."""
