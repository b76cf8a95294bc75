-- finds: view public.dear: options none  →  (security_barrier=true)
ALTER VIEW dear SET (security_barrier = true);
