-- finds: type public.size: labels (S, M, L)  →  (L, M, S)
DROP TYPE size;
