-- finds: foreign server near: options (host=a)  →  (host=b)
ALTER SERVER near OPTIONS (SET host 'b');
