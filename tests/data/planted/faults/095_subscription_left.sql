-- finds: subscription news was not there before
CREATE SUBSCRIPTION news CONNECTION 'host=nowhere.invalid' PUBLICATION news WITH (connect = false, slot_name = NONE);
